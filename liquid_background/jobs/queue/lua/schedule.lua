-- include: time keep rights log enqueue group record withdraw
-- Enqueue the job of a schedule's next time, once whoever asks and however late: the last time is kept with the name.
-- ARGV: name, digest of the definition, the time in seconds or '' to ask for the clock only, the name that versions before
-- gave it or '', log limit, its last time before now in seconds or '' when nobody wants to hear of missed ones, then the job as
-- the enqueue script takes it. Returns this server's clock in ms.
local name, digest, moment, former = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4] or ''

check_rights()
if moment and on('HGET', SCHEDULES_PAUSED, name) then
  hold_back(name)
  if ARGV[6] ~= '' then try('HSET', SCHEDULES_PASSED, name, string.format('%d', math.floor(now))) end
elseif moment and moment > now then
  local last, of = enqueued_of(name)
  -- Another definition, as after a deployment, has its own times: but none that has come may come again.
  if last > now and of ~= digest and withdraw(name, last) then last = math.floor(now) end
  -- A worker of the version before may still run: it finds its time enqueued, and does not enqueue it again.
  local before = former ~= '' and string.match(on('HGET', SCHEDULES, former) or '', '^(%d+) ')
  before = before and whole(before, 0)
  if before and before > now then
    withdraw(former, before)
  elseif before then
    redis.call('HDEL', SCHEDULES, former)
  end
  if moment > last then
    if ARGV[6] ~= '' and of == digest then
      -- include: missed
      note_missed(name, last, tonumber(ARGV[6]))
    end
    enqueue_all(ARGV, 7, 1, ARGV[5], known_ids(ARGV, 7, 1))
    on('HSET', SCHEDULES, name, string.format('%d', moment) .. ' ' .. digest)
  end
end
return now_ms
