-- No worker lives. ARGV: kinds. Returns how many jobs start again.
local count = 0
redis.call('DEL', prefix .. 'working')
for _, kind in ipairs(ARGV) do
  for _, id in ipairs(redis.call('ZREVRANGE', prefix .. 'running:' .. kind, 0, -1)) do
    requeue(id, 'the server ended')
    count = count + 1
  end
end
return count
