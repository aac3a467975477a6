-- The workers of a server live. ARGV: lease in ms, workers. Returns those whose job is theirs no longer.
local lost = {}
for place = 2, #ARGV do
  local given = redis.call('HGET', prefix .. 'working', ARGV[place])
  if given then
    local id, token = string.match(given, '^(%S+) (%d+)$')
    if is_held(id, token) then
      redis.call('ZADD', prefix .. 'running:' .. of(id, 'kind'), now() + tonumber(ARGV[1]), id)
    else
      lost[#lost + 1] = ARGV[place]
    end
  end
end
return lost
