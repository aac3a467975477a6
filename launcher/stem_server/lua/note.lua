-- What a job says or has done. ARGV: id, token, lines it has so far, line or "", freeze point or "", what of it.
-- Returns how many lines there are then, or -1 where the job is the worker's no longer.
local id, token, lines, line, point, what = unpack(ARGV)
if not is_held(id, token) then return -1 end
if point ~= '' then redis.call('HSET', job_key(id) .. ':done', point, what) end
local there = redis.call('LLEN', job_key(id) .. ':lines')
if line ~= '' and there == tonumber(lines) then -- else it is the same line, sent again
  say(id, line)
  there = there + 1
end
return there
