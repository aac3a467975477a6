-- The next job of a kind for a worker. ARGV: kind, worker, lease in ms, "1" where only one may run at a time.
local kind, worker, lease, alone = unpack(ARGV)
local running = prefix .. 'running:' .. kind
local id, token

local given = redis.call('HGET', prefix .. 'working', worker)
if given then -- the answer to an earlier claim has not arrived
  id, token = string.match(given, '^(%S+) (%d+)$')
  if not is_held(id, token) then id = nil end
end
if not id then
  for _, cut in ipairs(redis.call('ZRANGEBYSCORE', running, '-inf', now())) do
    requeue(cut, 'its server was not heard of')
  end
  if alone == '1' and redis.call('ZCARD', running) > 0 then return false end
  id = redis.call('LPOP', prefix .. 'waiting:' .. kind)
  if not id then return false end
  token = tostring(redis.call('INCR', prefix .. 'token'))
  redis.call('HSET', job_key(id), 'state', 'running', 'token', token, 'worker', worker, 'started', now())
  redis.call('HINCRBY', job_key(id), 'runs', 1)
  redis.call('HSET', prefix .. 'working', worker, id .. ' ' .. token)
end
redis.call('ZADD', running, now() + tonumber(lease), id)
return {id, token, of(id, 'ask'), redis.call('HGETALL', job_key(id) .. ':done'),
  redis.call('LLEN', job_key(id) .. ':lines')}
