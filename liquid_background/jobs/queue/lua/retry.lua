-- include: time keep rights log enqueue group record among
-- Start a new run of a job that has ended. ARGV: id, its new signature or '' when nothing is signed.
-- Returns ok, RQ's status of a job that cannot be retried, missing, or signed (by a key that the caller has not).
local id = ARGV[1]
local key = 'rq:job:' .. id
-- fetch: status origin lb_sig from key
local queue = queue_of(origin)
if record.err or not status or is_of_another_site(origin) then return 'missing' end
if not is_among(RETRIABLE, status) then return status end
if ARGV[2] == '' and (lb_sig or '') ~= '' then return 'signed' end
check_rights()
redis.call('PERSIST', key)
for _, state in ipairs(RETRIED_FROM) do on('ZREM', 'rq:' .. state .. ':' .. SITE .. queue, id) end
redis.call('HDEL', key, 'lb_token', 'lb_error', 'lb_failure', 'lb_raised', 'ended_at', 'started_at', 'exc_info')
-- include: unfile
unfile(id)
redis.call('HSET', key, 'lb_final', 1)
if ARGV[2] ~= '' then redis.call('HSET', key, 'lb_sig', ARGV[2]) end
requeue(key, id, queue, 0, false)
return 'ok'
