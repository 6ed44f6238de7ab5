-- include: time keep rights log enqueue group record among foreign acts
-- Delete jobs that have ended, and those that wait where they are to be taken back. ARGV: 1 to take back what waits, log limit,
-- the ids. Returns for each: gone, or RQ's status of one that was left as it is.
local limit = ARGV[2]
local answers = {}
check_rights()
for i = 3, #ARGV do
  local id = ARGV[i]
  -- fetch: status description from 'rq:job:' .. id
  local found = status
  if record.err or not status or is_among(ENDED, status) or ARGV[1] == '1' then
    found = delete_job(id, limit, {source_name = description or '', message = 'deleted'})
  end
  answers[#answers + 1] = (found == 'ok' or found == 'missing') and 'gone' or found
end
return answers
