-- include: time keep alerts
-- Say how far an alert is told, whose lease the caller has. ARGV: token, what it is about, lease in ms, the word; then
-- part: to whom it was told; over: nothing, all that is to be told of it is; again: ms until it is tried again.
-- Returns 1, or 0 when somebody else has the lease by now.
local token, about, lease, word = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4]
local key = ALERT .. about
if on('HGET', key, 'token') ~= token then return 0 end
redis.call('PERSIST', key)  -- first: what follows is taken by a full store, too

-- What has happened since it was taken is told when the next window is over.
local function close()
  local failure, telling = on('HGET', key, 'failure'), alert_number(key, 'telling')
  local more
  if failure then
    local seen = alert_number(key, 'seen') + telling
    on('HSET', key, 'seen', string.format('%d', seen))
    more = alert_number(FAILURE_ABOUT .. failure, 'count') > seen
  else
    local left = on('HGET', key, 'event') == 'queue.late' and 0 or math.max(0, alert_number(key, 'count') - telling)
    on('HSET', key, 'count', string.format('%d', left))
    more = left > 0
  end
  on('HSET', key, 'at', on('HGET', key, 'taken_at') or now_ms)
  forget_telling(key)
  on('ZREM', ALERTS_DUE, about)
  if more then owe(about) end
end

if word == 'part' then
  on('HSET', key, 'told', (on('HGET', key, 'told') or '') .. ARGV[5] .. '\n')
  on('ZADD', ALERTS_DUE, now_ms + lease, about)
elseif word == 'again' then
  on('HSET', key, 'tries', string.format('%d', alert_number(key, 'tries') + 1))
  on('HDEL', key, 'token')
  on('ZADD', ALERTS_DUE, now_ms + ARGV[5], about)
else
  close()
end
if word ~= 'part' then on('HDEL', ALERTS_HELD, token) end
on('EXPIRE', key, ALERT_KEPT)
return 1
