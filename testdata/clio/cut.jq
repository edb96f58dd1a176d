# Cuts a public API description down to its facts: no prose, no examples, JSON
# bodies only.
#   jq -S -c -f cut.jq openapi-subset.json > openapi.json
def facts: walk(if type == "object" then
    with_entries(select(
      ((.key | IN("description", "summary", "title")) and (.value | type) == "string" or
       (.key | IN("example", "examples", "externalDocs", "tags"))) | not))
  else . end);
facts
| .info = {title: "Clio Manage API v4, in part", version: "v4"}
| .servers |= map({url})
| .paths |= map_values(map_values(if type == "object" then
    (if .requestBody then .requestBody.content |= {"application/json": .["application/json"]} else . end)
    | .responses |= map_values(. + {description: ""})
  else . end))
