"""Assets of the network: the entity graph as tables, and its copy in Neo4j."""
