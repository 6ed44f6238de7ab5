-- Take the job of an earlier definition or name back, if it still waits for its time; return whether it was so.
local function withdraw(called, last)
  local id = called .. '-' .. string.format('%d', last) .. SCHEDULED_HERE
  -- fetch: status origin lb_attempt from 'rq:job:' .. id
  if record.err or status ~= 'scheduled' or lb_attempt or is_of_another_site(origin) then return false end
  on('ZREM', SCHEDULED .. queue_of(origin), id)
  try('ZREM', DELAYED .. queue_of(origin), id)
  redis.call('DEL', 'rq:job:' .. id)
  return true
end

-- Of a schedule: the last time that was enqueued, 0 when none was, and the definition that it was of.
local function enqueued_of(name)
  local last, of = string.match(on('HGET', SCHEDULES, name) or '', '^(%d+) (.+)$')
  last = whole(last, 0)
  -- No worker writes a time beyond that.
  return last > now + LONGEST_TTL and 0 or last, of
end

-- Take the job of a schedule's next time back, so that none comes until it is enqueued anew: none that has come comes again.
local function hold_back(name)
  local last, of = enqueued_of(name)
  if last > now and withdraw(name, last) then
    on('HSET', SCHEDULES, name, string.format('%d', math.floor(now)) .. ' ' .. of)
  end
end
