-- Read a key for people: one that holds another type than the command's reads as nil, and they see the rest.
local function read(...)
  local reply = redis.pcall(...)
  if type(reply) ~= 'table' or not reply.err then return reply end
  if string.find(reply.err, 'WRONGTYPE', 1, true) then return nil end
  return redis.call(...) -- for the store's own words about what else is wrong
end
