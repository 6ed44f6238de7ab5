-- include: time keep rights log enqueue group record among acts audit
-- Delete jobs that have ended; of those that wait, take back first what is to be. ARGV: 1 to take back what waits, log limit,
-- the ids. Returns for each: gone, or RQ's status of one that was left as it is.
local limit = ARGV[2]
local answers = {}
check_rights()
for i = 3, #ARGV do
  local id = ARGV[i]
  local found = delete_job(id)
  if found ~= 'ok' and found ~= 'missing' and found ~= 'started' and ARGV[1] == '1' then
    found = cancel_job(id, limit, {source_name = redis.call('HGET', 'rq:job:' .. id, 'description') or ''})
    if found == 'ok' then found = delete_job(id) end
  end
  answers[#answers + 1] = (found == 'ok' or found == 'missing') and 'gone' or found
end
return answers
