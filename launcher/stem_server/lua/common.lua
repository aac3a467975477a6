-- What all scripts begin with. KEYS[1] is the prefix of every key; a script runs alone, and wholly or not at all.
--
--   jobs            sorted set: job by the order in which they were submitted
--   job:ID          hash: kind, name, ask, digest, state, submitted, started, ended, worker, token, runs, crashes,
--                   result, error, code
--   job:ID:lines    list: what the job says
--   job:ID:done     hash: what is done of it, which it needn't do again (freeze point -> JSON)
--   waiting:KIND    list: jobs that are queued, the next one first
--   running:KIND    sorted set: jobs that run, by when their lease ends (milliseconds)
--   working         hash: worker -> the job that it has been given, and its token: "ID TOKEN"
--   ended           sorted set: jobs that have ended, by when
--   names           hash: application -> the newest job that trains it
--   apps            hash: application -> what its training has left, as JSON
--   token, order    counters
local prefix = KEYS[1]

local function now()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

local function job_key(id) return prefix .. 'job:' .. id end

local function of(id, field) return redis.call('HGET', job_key(id), field) end

local function say(id, line) redis.call('RPUSH', job_key(id) .. ':lines', line) end

-- A job is its worker's as long as nobody else has been given it. The token only ever grows.
local function is_held(id, token)
  return of(id, 'state') == 'running' and of(id, 'token') == token
end

local function end_job(id, state, result, message, code)
  local time = now()
  redis.call('HSET', job_key(id), 'state', state, 'ended', time, 'result', result, 'error', message, 'code', code)
  redis.call('ZREM', prefix .. 'running:' .. of(id, 'kind'), id)
  redis.call('ZADD', prefix .. 'ended', time, id)
end

-- Back to the front of the queue, since it came before those that wait.
local function requeue(id, why)
  local kind = of(id, 'kind')
  local done = redis.call('HLEN', job_key(id) .. ':done')
  local how = done > 0 and ('goes on after ' .. done .. ' freeze points') or 'starts again'
  say(id, 'cut, since ' .. why .. '; it ' .. how)
  redis.call('HSET', job_key(id), 'state', 'queued')
  redis.call('ZREM', prefix .. 'running:' .. kind, id)
  redis.call('LPUSH', prefix .. 'waiting:' .. kind, id)
end
