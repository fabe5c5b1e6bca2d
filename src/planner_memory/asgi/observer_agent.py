"""The Observer Agent's application."""

from fastapi import FastAPI

from planner_memory.observer_agent import routes
from planner_memory.observer_agent.service import Observer
from planner_memory.web.face import Face, build_app
from planner_memory.web.metrics import Metrics

ROUTERS = (routes.router,)


def create_observer_agent(observer: Observer, face: Face, metrics: Metrics) -> FastAPI:
    return build_app("observer-agent", face, health=observer.health, routers=ROUTERS, metrics=metrics, state={"observer": observer})
