-- include: time keep rights log enqueue group record foreign
-- Set a claimed job aside that no worker of ours may run: failed, with its record left as it is for inspection.
-- Another application's job goes back to the end of its queue while workers of that application serve the queue.
-- ARGV: id, token, queue, worker, exc_string, log limit, ttl, 1 if it is another application's, its cause, then its log
-- entry.
-- Returns 1 when it has failed with that.
local id, token, queue = ARGV[1], ARGV[2], ARGV[3]
local key = 'rq:job:' .. id
-- fetch: status lb_token from key
if record.err or status ~= 'queued' or lb_token ~= token then return 0 end
check_rights()
redis.call('PERSIST', key)  -- first: what follows is taken by a full store, too
release(key, id, queue, token, '', false)
-- name: ENTRY from ARGV at 10 as entry
if ARGV[8] == '1' and has_other_workers(queue) then
  redis.call('HSET', key, 'lb_foreign', 1)
  on('RPUSH', QUEUE .. queue, id)
  entry.final = 0
else
  local cause = cause_in(ARGV[9], '', '0', entry.message)
  fail(key, id, queue, token, ARGV[4], entry.message, ARGV[5], tonumber(ARGV[7]), cause)
end
log(ARGV[6], entry)
return entry.final == 0 and 0 or 1
