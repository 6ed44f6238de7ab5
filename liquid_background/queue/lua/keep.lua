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

-- Rename a key that holds another type than its name says, or a stream that can take no entry more.
local function set_aside(key, command)
  local kind = redis.call('TYPE', key).ok
  redis.call('RENAME', key, SET_ASIDE .. key)
  redis.call('EXPIRE', SET_ASIDE .. key, KEPT)
  redis.pcall('XADD', 'liquid_background:log', '*', 'job_id', '', 'source_name', 'store', 'template', '', 'line', 0,
    'attempt', 0, 'max_attempts', 0, 'status', '', 'duration', 0, 'message', string.sub(key, 1, 200) ..
    ' was a ' .. kind .. ' that ' .. command .. ' cannot use: renamed to ' .. SET_ASIDE .. '... for a week',
    'type', 'warning', 'final', 0)
end

local function is_planted(command, problem)
  return string.find(problem, 'WRONGTYPE', 1, true) or (command == 'XADD' and
    (string.find(problem, 'last possible ID', 1, true) or string.find(problem, 'specified in XADD', 1, true)))
end

-- Run a command on a key that a script writes or reads beside the record that it moves.
local function on(command, key, ...)
  local reply = redis.pcall(command, key, ...)
  if type(reply) ~= 'table' or not reply.err then return reply end
  if is_planted(command, reply.err) then set_aside(key, command) end
  return redis.call(command, key, ...)  -- raises what the store refuses, as it says it
end

-- Likewise for what is secondary to the move: whatever the store says to it, the move goes on. The last such error stands
-- in `problem`, for the caller to tell.
local problem

local function try(command, key, ...)
  local reply = redis.pcall(command, key, ...)
  if type(reply) ~= 'table' or not reply.err then return reply end
  if is_planted(command, reply.err) then
    set_aside(key, command)
    reply = redis.pcall(command, key, ...)
  end
  if type(reply) == 'table' and reply.err then problem = reply.err end
  return reply
end

-- Raise before the first write when this user may not run what a move is made of: half of one would strand its jobs.
-- Servers before 7 cannot be asked.
local function check_rights()
  if not redis.acl_check_cmd then return end
  for _, command in ipairs({'hset', 'hdel', 'persist', 'expire'}) do
    if not redis.acl_check_cmd(command, 'rq:job:', '0', '0') then error({err = 'NOPERM this user may not run ' .. command}) end
  end
  for _, command in ipairs({'zadd', 'zrem', 'lpush', 'rpush', 'lpop', 'sadd', 'srem'}) do
    if not redis.acl_check_cmd(command, 'rq:queue:', '0', '0') then error({err = 'NOPERM this user may not run ' .. command}) end
  end
end
