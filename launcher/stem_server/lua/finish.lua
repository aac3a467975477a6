-- A job's end. ARGV: id, token, worker, done or failed, result, error, exit code, name or "", what the application is,
-- ms for which jobs that have ended are kept. Returns 1, or 0 where the job was the worker's no longer.
local id, token, worker, state, result, message, code, name, app, kept = unpack(ARGV)
redis.call('HDEL', prefix .. 'working', worker)
if not is_held(id, token) then
  -- the same token with an end: the answer to this has not arrived before
  return (of(id, 'token') == token and of(id, 'state') == state) and 1 or 0
end
end_job(id, state, result, message, code)
if name ~= '' then redis.call('HSET', prefix .. 'apps', name, app) end

local old = redis.call('ZRANGEBYSCORE', prefix .. 'ended', '-inf', now() - tonumber(kept), 'LIMIT', 0, 100)
for _, ended in ipairs(old) do
  local called = of(ended, 'name')
  if called ~= '' and redis.call('HGET', prefix .. 'names', called) == ended then
    redis.call('HDEL', prefix .. 'names', called)
  end
  redis.call('DEL', job_key(ended), job_key(ended) .. ':lines', job_key(ended) .. ':done')
  redis.call('ZREM', prefix .. 'ended', ended)
  redis.call('ZREM', prefix .. 'jobs', ended)
end
return 1
