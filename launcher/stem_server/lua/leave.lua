-- A worker has ended. ARGV: worker, why, "1" where it has ended by itself, how often a job may do that to one.
local worker, why, crashed, most = unpack(ARGV)
local given = redis.call('HGET', prefix .. 'working', worker)
redis.call('HDEL', prefix .. 'working', worker)
if not given then return 0 end
local id, token = string.match(given, '^(%S+) (%d+)$')
if not is_held(id, token) then return 0 end
if crashed == '1' and redis.call('HINCRBY', job_key(id), 'crashes', 1) >= tonumber(most) then
  end_job(id, 'failed', '', why .. ', ' .. most .. ' times', 4)
else
  requeue(id, why)
end
return 1
