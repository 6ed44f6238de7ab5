-- Writes and reads that planted keys and values cannot stop. A key under one of these names that holds another type, or a
-- stream that can take no entry more, belongs to nobody: it is renamed, the log says so once, and the move goes on.
-- A move reads the records that it needs before its first write; what it writes elsewhere goes through here.
local SET_ASIDE = 'liquid_background:set_aside:'
local KEPT = 604800  -- seconds that a key that was set aside is kept for inspection

local JOB_WIDTH, ENTRY_WIDTH = 14, 11  -- values that a job and a log entry are passed as
local MOST_ATTEMPTS = 1000000  -- that a record may say

-- The queue that a record names; a planted name must not send a job where nobody serves it.
local function queue_of(origin)
  return (origin == 'high' or origin == 'low') and origin or 'default'
end

-- The number in a field: up to 15 digits, at most `most`; else the default.
local function whole(value, default, most)
  if not value or #value > 15 or not string.find(value, '^%d+$') then return default end
  return math.min(tonumber(value), most or 1e15)
end

-- Run a command on a key that a script writes or reads beside the record that it moves.
local function on(command, key, ...)
  local reply = redis.pcall(command, key, ...)
  if type(reply) ~= 'table' or not reply.err then return reply end
  local full = command == 'XADD' and (string.find(reply.err, 'last possible ID', 1, true) or
    string.find(reply.err, 'specified in XADD', 1, true))
  if full or string.find(reply.err, 'WRONGTYPE', 1, true) then
    local kind = redis.call('TYPE', key).ok
    redis.call('RENAME', key, SET_ASIDE .. key)
    redis.call('EXPIRE', SET_ASIDE .. key, KEPT)
    on('XADD', 'liquid_background:log', '*', 'job_id', '', 'source_name', 'store', 'template', '', 'line', 0,
      'attempt', 0, 'max_attempts', 0, 'status', '', 'duration', 0, 'message', string.sub(key, 1, 200) ..
      ' was a ' .. kind .. ' that ' .. command .. ' cannot use: renamed to ' .. SET_ASIDE .. '... for a week',
      'type', 'warning', 'final', 0)
  end
  return redis.call(command, key, ...)  -- raises what the store refuses, as it says it
end
