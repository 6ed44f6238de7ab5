-- The indexes of failed jobs, and their failure groups. All is secondary to the moves that write it, and a hint: whoever
-- reads it looks at the records, too. What is missing, or wrong, is mended by the script `look`.
-- FAILED_OF has of each id the group and the name that it is filed under: the name itself, '' where names are too many,
-- * for one that is none of ours.
-- include: unfile drop_group
local HOUR = 3600000

-- Under which name a job is filed. While some are filed without, no other name gets an index: it would not have them all.
local function name_at(name)
  if #name > LONGEST_NAME or not string.find(name, '^[%w_-]+$') then return '*' end
  if got('SISMEMBER', FAILED_NAMES, name) == 1 then return name end
  if (got('SCARD', FAILED_NAMES) or 0) >= MOST_FAILED_NAMES or (got('ZCARD', FAILED_UNNAMED) or 0) > 0 then return '' end
  try('SADD', FAILED_NAMES, name)
  return name
end

-- Make room for a group, in the place of one that has no failed jobs, of those that failed least lately.
local function has_room(groups, most)
  if (got('ZCARD', groups) or 0) < most then return true end
  for _, failure in ipairs(got('ZRANGE', groups, 0, 2) or {}) do
    if got('EXISTS', FAILED_GROUP .. failure) == 0 and not got('HGET', FAILURE_ABOUT .. failure, 'silenced_at') then
      forget(failure)
      return true
    end
  end
  return false
end

-- How many groups a template may have: the fewer, the fuller it gets, so that a few dozen templates leave room for others.
local function most_of_template()
  local free = 1 - (got('ZCARD', FAILURE_GROUPS) or 0) / MOST_FAILURES
  return math.max(1, math.floor(MOST_FAILURES_OF * math.min(1, 2 * free) ^ 2))
end

-- Return when a group was first and last seen, and whether it stands for the others; nil when nothing is known of it.
local function seen_of(failure)
  local first, last, rest = unpack(got('HMGET', FAILURE_ABOUT .. failure, 'first', 'last', 'rest') or {})
  return (first or last) and {first = whole(first or nil, now_ms), last = whole(last or nil, 0), is_rest = rest} or nil
end

-- Return the group that a cause belongs to: a new one where there is room, else what stands for the others of its template,
-- or of all templates. Its second value says when it was seen.
local function group_of(cause)
  local seen = seen_of(cause.failure)
  if seen then return cause, seen end
  local template = string.sub(cause.template, 1, LONGEST_PLACE)
  local others
  if not has_room(FAILURE_GROUPS, MOST_FAILURES) then
    others = cause_of('', '0', '', '*')
  elseif not has_room(FAILURES_OF .. template, most_of_template()) then
    others = cause_of(template, '0', '', '*')
  else
    return cause, nil
  end
  others.error, others.is_rest = cause.error, true
  return others, seen_of(others.failure)
end

local function note_hour(failure, ms)
  local hour = math.floor(ms / HOUR)
  if hour <= math.floor(now_ms / HOUR) - HOURS_KEPT then return end
  local key = FAILURE_HOURS .. failure
  if got('HINCRBY', key, string.format('%d', hour), 1) ~= 1 then return end
  -- The first of its hour: what is older than the hours that are kept goes. None of it is older than the key lasts.
  local old = {}
  for i = 0, HOURS_KEPT do old[#old + 1] = string.format('%d', hour - HOURS_KEPT - i) end
  try('HDEL', key, unpack(old))
  try('EXPIRE', key, (HOURS_KEPT + 1) * 3600)
end

-- Take note of a failure in what is known of its group.
local function note(cause, seen, counts, id, ms, name)
  local about, template = FAILURE_ABOUT .. cause.failure, string.sub(cause.template, 1, LONGEST_PLACE)
  counts = counts or not seen
  if not seen then
    try('HSET', about, 'template', template, 'line', cause.line, 'raised', cause.raised, 'message', cause.message)
    if cause.is_rest then try('HSET', about, 'rest', 1) end
  end
  if counts and not got('HINCRBY', about, 'count', 1) then try('HSET', about, 'count', 1) end
  if not seen or ms < seen.first then try('HSET', about, 'first', string.format('%d', ms)) end
  if not seen or ms >= seen.last then
    try('HSET', about, 'last', string.format('%d', ms), 'name', name, 'sample', id, 'error',
      string.sub(cause.error, 1, LONGEST_ERROR))
    try('ZADD', FAILURE_GROUPS, ms, cause.failure)
    if not (cause.is_rest or seen and seen.is_rest) then try('ZADD', FAILURES_OF .. template, ms, cause.failure) end
  end
  if counts then note_hour(cause.failure, ms) end
end

-- File a job that has failed; its record then names its group. It `counts` unless it has been counted before.
local function file(id, ms, cause, counts)
  if #id > LONGEST_ID then return end  -- a planted one, which no list shows
  if got('HGET', FAILED_OF, id) then unfile(id) end
  local key, raised, seen = 'rq:job:' .. id, cause.raised, nil
  cause, seen = group_of(cause)
  local name = string.sub(redis.call('HGET', key, 'description') or '', 1, LONGEST_NAME)
  local at = name_at(name)
  try('HSET', key, 'lb_failure', cause.failure, 'lb_raised', raised)
  try('HSET', FAILED_OF, id, cause.failure .. ' ' .. at)
  try('ZADD', FAILED_IDS, ms, id)
  try('ZADD', FAILED_GROUP .. cause.failure, ms, id)
  local names = index_of_name(at)
  if names then try('ZADD', names, ms, id) end
  note(cause, seen, counts, id, ms, name)
end

-- File a job that fails here. Whatever hinders that, the job has failed; it is filed later.
local function file_failed(id, cause)
  local filed, why = pcall(file, id, seconds * 1000 + micros / 1000, cause, true)
  if not filed then problem = type(why) == 'table' and why.err or tostring(why) end
end
