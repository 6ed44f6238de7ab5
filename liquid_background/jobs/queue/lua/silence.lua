-- include: time keep audit
-- Say that a failure group is not to be shown for a while, or is again. ARGV: its id, who wants it so, or '' when it is to be
-- shown, until when in ms, or '' for until somebody says so, and whom the audit names. Returns 1, or 0 when there is no such group.
local about = FAILURE_ABOUT .. ARGV[1]
if on('EXISTS', about) == 0 then return 0 end
on('HDEL', about, 'silenced_by', 'silenced_at', 'silenced_until')
audit(ARGV[4], ARGV[2] == '' and 'unsilence' or 'silence', 'failures ' .. ARGV[1])
if ARGV[2] == '' then return 1 end
on('HSET', about, 'silenced_by', ARGV[2], 'silenced_at', string.format('%d', now_ms))
if ARGV[3] ~= '' then on('HSET', about, 'silenced_until', ARGV[3]) end
return 1
