-- include: time keep rights log enqueue group record audit
-- Resume what was paused. ARGV: kind, name, by whom, about what, for the audit.
-- Returns since when it was paused, by whom and why, as pause.lua wrote it; nil when it was not.
local kind, name = ARGV[1], ARGV[2]
local what = kind .. ':' .. name
local written = on('HGET', PAUSES, what)
if not written then return nil end
check_rights()
redis.call('HDEL', PAUSES, what)
audit(ARGV[3], 'resume', ARGV[4])
if kind == 'group' then unpark(name) end
for _, queue in ipairs(PRIORITIES) do
  local waiting = kind == 'name' and on('ZCARD', held_in(name, queue)) or 0
  if kind == 'queue' and name == queue then
    waiting = on('LLEN', QUEUE .. queue)
    tend_groups(MOST_PAUSES)  -- theirs were left parked, whatever slots were free
  end
  if waiting > 0 then wake(queue, waiting) end
end
return written
