-- include: time keep audit
-- Pause something. ARGV: what, as PAUSES names it; JSON of by whom and why; by whom; about what, for the audit.
-- Returns {1 when it was not paused, when it was paused in ms and that JSON}; or 'full', and nothing was done.
local what = ARGV[1]
local there = on('HGET', PAUSES, what)
if there then return {0, there} end
if on('HLEN', PAUSES) >= MOST_PAUSES then return 'full' end
local written = string.format('%d ', now_ms) .. ARGV[2]
on('HSET', PAUSES, what, written)
audit(ARGV[3], 'pause', ARGV[4])
return {1, written}
