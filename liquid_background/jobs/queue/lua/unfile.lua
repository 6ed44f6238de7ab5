-- Take jobs out of the indexes of failed ones: see filing.lua.
local function got(...)
  local reply = try(...)
  if type(reply) == 'table' and reply.err then return nil end
  return reply
end

-- Return the index of the jobs of a name as FAILED_OF has it; nil for a name that has none.
local function index_of_name(at)
  if at == '*' then return nil end
  return at == '' and FAILED_UNNAMED or FAILED_NAME .. at
end

-- Take a job out of the indexes; return whether it was in them.
local function unfile(id)
  local failure, at = string.match(tostring(got('HGET', FAILED_OF, id) or ''), '^(%x+) (.*)$')
  if not failure then
    try('ZREM', FAILED_APART, id)
    return got('ZREM', FAILED_IDS, id) == 1
  end
  try('HDEL', FAILED_OF, id)
  try('ZREM', FAILED_IDS, id)
  try('ZREM', FAILED_GROUP .. failure, id)
  local names = index_of_name(at)
  if names then try('ZREM', names, id) end
  if names and at ~= '' and got('EXISTS', names) == 0 then try('SREM', FAILED_NAMES, at) end
  return true
end
