"""The Planner Engine's application."""

from fastapi import FastAPI

from planner_memory.planner_engine import routes
from planner_memory.planner_engine.service import Planner
from planner_memory.web.face import Face, build_app
from planner_memory.web.metrics import Metrics

ROUTERS = (routes.router,)


def create_planner_engine(planner: Planner, face: Face, metrics: Metrics) -> FastAPI:
    return build_app("planner-engine", face, health=planner.health, routers=ROUTERS, metrics=metrics, state={"planner": planner})
