-- name: put_graph_nodes
insert into graph_nodes (client_id, node_id, node_type, properties)
select %(client_id)s::text, n.node_id, n.node_type, n.properties
from jsonb_to_recordset(%(nodes)s::jsonb) as n (node_id text, node_type text, properties jsonb)
on conflict (client_id, node_id) do update
set node_type = excluded.node_type, properties = graph_nodes.properties || excluded.properties, updated_at = now()

-- name: put_graph_edges
insert into graph_edges (client_id, from_node_id, to_node_id, edge_type, properties)
select %(client_id)s::text, e.from_node_id, e.to_node_id, e.edge_type, e.properties
from jsonb_to_recordset(%(edges)s::jsonb) as e (from_node_id text, to_node_id text, edge_type text, properties jsonb)
on conflict (client_id, from_node_id, to_node_id, edge_type) do update
set properties = graph_edges.properties || excluded.properties

-- name: graph_nodes_by_id
select node_id, node_type, properties from graph_nodes where client_id = %(client_id)s::text and node_id = any(%(node_ids)s::text[])

-- name: graph_edges_at
select distinct on (reached) from_node_id, to_node_id, edge_type, properties
from (
    select e.to_node_id as reached, e.from_node_id, e.to_node_id, e.edge_type, e.properties, 0 as way
    from graph_edges e
    where e.client_id = %(client_id)s::text and e.from_node_id = any(%(frontier)s::text[]) and %(direction)s::text <> 'incoming'
      and (%(edge_type)s::text is null or e.edge_type = %(edge_type)s::text) and e.to_node_id <> all(%(known)s::text[])
    union all
    select e.from_node_id, e.from_node_id, e.to_node_id, e.edge_type, e.properties, 1
    from graph_edges e
    where e.client_id = %(client_id)s::text and e.to_node_id = any(%(frontier)s::text[]) and %(direction)s::text <> 'outgoing'
      and (%(edge_type)s::text is null or e.edge_type = %(edge_type)s::text) and e.from_node_id <> all(%(known)s::text[])
) as steps
order by reached, way, edge_type
limit %(limit)s::integer

-- name: graph_run_counts
select from_node_id as node_id, count(*)::integer as runs from graph_edges
where client_id = %(client_id)s::text and from_node_id = any(%(node_ids)s::text[]) and edge_type = 'template_used_in_run'
group by from_node_id

-- name: graph_projects
with run as (
    select distinct on (belongs.to_node_id, used.to_node_id) belongs.to_node_id as project_id, used.to_node_id as run_id,
        has_workflow.to_node_id as workflow_id, has_template.to_node_id as template_id
    from graph_edges has_workflow
    join graph_edges has_template on has_template.client_id = has_workflow.client_id and has_template.from_node_id = has_workflow.to_node_id
        and has_template.edge_type = 'workflow_has_template'
    join graph_edges used on used.client_id = has_workflow.client_id and used.from_node_id = has_template.to_node_id
        and used.edge_type = 'template_used_in_run'
    join graph_edges belongs on belongs.client_id = has_workflow.client_id and belongs.from_node_id = used.to_node_id
        and belongs.edge_type = 'run_belongs_to_project'
    where has_workflow.client_id = %(client_id)s::text and has_workflow.from_node_id = %(blueprint_id)s::text
        and has_workflow.edge_type = 'blueprint_has_workflow'
    order by belongs.to_node_id, used.to_node_id, has_workflow.to_node_id, has_template.to_node_id
)
select run.project_id, project.properties, run.run_id, run.workflow_id, run.template_id,
    coalesce(record.estimated_hours::float8, case when jsonb_typeof(node.properties -> 'estimated_hours') = 'number'
        then (node.properties ->> 'estimated_hours')::float8 end) as estimated_hours,
    coalesce(record.observed_hours::float8, record.actual_hours::float8, case when jsonb_typeof(node.properties -> 'actual_hours') = 'number'
        then (node.properties ->> 'actual_hours')::float8 end) as actual_hours,
    coalesce(record.ended_at, record.started_at,
        (jsonb_path_query_first_tz(node.properties, '$.ended_at.datetime()', '{}', true) #>> '{}')::timestamptz) as ended_at
from run
join graph_nodes project on project.client_id = %(client_id)s::text and project.node_id = run.project_id
join graph_nodes node on node.client_id = %(client_id)s::text and node.node_id = run.run_id
left join lateral (
    select r.estimated_hours, r.observed_hours, r.actual_hours, r.ended_at, r.started_at from execution_runs r
    where r.run_id = substr(run.run_id, 5) and run.run_id like 'run:%%' and coalesce(r.client_id, 'me') = %(client_id)s::text
    limit 1) as record on true
order by ended_at desc nulls last, run.run_id
limit %(limit)s::integer
