-- include: time keep rights log enqueue group record withdraw
-- Pause a schedule, or go on with it. ARGV: its name, and JSON of by whom, which is written with this clock; '' to go on.
-- Returns 1 when that changed anything. A job that waits for the next time is taken back; times that pass do not come again.
local MOST_PAUSED = 1000
local name, by = ARGV[1], ARGV[2]
check_rights()
if by == '' then return redis.call('HDEL', SCHEDULES_PAUSED, name) end
if on('HGET', SCHEDULES_PAUSED, name) then return 0 end
if on('HLEN', SCHEDULES_PAUSED) >= MOST_PAUSED then error({err = 'as many schedules are paused as can be'}) end
redis.call('HSET', SCHEDULES_PAUSED, name, cjson.encode({since = now_ms, by = by}))
hold_back(name)
return 1
