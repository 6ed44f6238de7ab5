-- include: time log enqueue record
-- Set a claimed job aside that no worker of ours may run: failed, with its record left as it is for inspection.
-- ARGV: id, token, queue, worker, exc_string, log limit, ttl, then the values of its log entry.
local id, token, queue = ARGV[1], ARGV[2], ARGV[3]
local key = 'rq:job:' .. id
local record = redis.call('HMGET', key, 'status', 'lb_token')
if record[1] ~= 'queued' or record[2] ~= token then return 0 end
release(key, id, queue, token, '', false)
fail(key, id, queue, token, ARGV[4], ARGV[16], ARGV[5], tonumber(ARGV[7]))
log(ARGV[6], {unpack(ARGV, 8)})
return 1
