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

-- name: graph_nodes_page
select node_id, node_type, properties from graph_nodes
where client_id = %(client_id)s::text and node_id > %(after)s::text order by node_id limit %(limit)s::integer

-- name: graph_edges_page
select from_node_id, to_node_id, edge_type, properties from graph_edges
where client_id = %(client_id)s::text
  and (from_node_id, to_node_id, edge_type) > (%(after_from)s::text, %(after_to)s::text, %(after_type)s::text)
order by from_node_id, to_node_id, edge_type limit %(limit)s::integer
