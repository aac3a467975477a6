-- A job that is new. ARGV: id, kind, name or "", ask, digest of it, "1" to take an application's place, most waiting.
local id, kind, name, ask, digest, replace, most = unpack(ARGV)
if redis.call('EXISTS', job_key(id)) == 1 then
  return of(id, 'digest') == digest and {'known'} or {'other', id}
end
if redis.call('LLEN', prefix .. 'waiting:' .. kind) >= tonumber(most) then
  return {'full', most}
end
if name ~= '' then
  local holder = redis.call('HGET', prefix .. 'names', name)
  local state = holder and of(holder, 'state')
  if state == 'queued' or state == 'running' then
    return {'busy', holder}
  end
  if redis.call('HEXISTS', prefix .. 'apps', name) == 1 and replace ~= '1' then
    return {'exists', name}
  end
  redis.call('HSET', prefix .. 'names', name, id)
end
redis.call('HSET', job_key(id), 'kind', kind, 'name', name, 'ask', ask, 'digest', digest, 'state', 'queued',
  'submitted', now(), 'crashes', 0)
redis.call('ZADD', prefix .. 'jobs', redis.call('INCR', prefix .. 'order'), id)
redis.call('RPUSH', prefix .. 'waiting:' .. kind, id)
return {'new'}
