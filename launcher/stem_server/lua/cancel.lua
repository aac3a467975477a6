-- ARGV: id. Returns how it was, and the worker that has to end where it ran.
local id = ARGV[1]
local state = of(id, 'state')
if not state then return {'unknown'} end
if state == 'queued' then
  redis.call('LREM', prefix .. 'waiting:' .. of(id, 'kind'), 1, id)
elseif state ~= 'running' then
  return {state}
end
end_job(id, 'cancelled', '', 'cancelled', 4)
say(id, 'cancelled')
return {state, of(id, 'worker') or ''}
