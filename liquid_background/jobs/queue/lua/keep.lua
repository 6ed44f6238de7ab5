-- Writes and reads that planted keys and values cannot stop. A key under one of these names that holds another type, or a
-- stream that can take no entry more, belongs to nobody: it is renamed, the log says so once, and the move goes on.
-- A move reads the records that it needs before its first write; what it writes elsewhere goes through here.
-- include: site whole
local KEPT = 604800  -- seconds that a key that was set aside is kept for inspection

-- What the store said last to a write that is secondary to its move, for the caller to tell.
local problem

-- See to an error of a command on a key that a script uses beside the record that it moves: set a planted key aside and
-- run it again. An error that is left is raised when the command must succeed, else noted in `problem`.
local function mend(must, reply, command, key, ...)
  -- include: set_aside
  local planted = string.find(reply.err, 'WRONGTYPE', 1, true) or (command == 'XADD' and
    (string.find(reply.err, 'last possible ID', 1, true) or string.find(reply.err, 'specified in XADD', 1, true)))
  if planted then set_aside(key, command) end
  if must then return redis.call(command, key, ...) end  -- raises what the store refuses, as it says it
  if planted then reply = redis.pcall(command, key, ...) end
  if type(reply) == 'table' and reply.err then problem = reply.err end
  return reply
end

-- Run a command that a move cannot do without.
local function on(command, key, ...)
  local reply = redis.pcall(command, key, ...)
  if type(reply) ~= 'table' or not reply.err then return reply end
  return mend(true, reply, command, key, ...)
end

-- Run a command without which the move goes on.
local function try(command, key, ...)
  local reply = redis.pcall(command, key, ...)
  if type(reply) ~= 'table' or not reply.err then return reply end
  return mend(false, reply, command, key, ...)
end
