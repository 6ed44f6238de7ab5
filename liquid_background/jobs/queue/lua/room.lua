-- Make room in the log for lines of a template that come: they must not push out how attempts ended. The stream is brought
-- down to half of the limit, from its oldest entry on; the ends of attempts among these move to the log's second stream
-- under their ids, which are all older than those that stay. So the newest half of the limit in ends is always kept: as
-- many ends as that must be written before the stream itself drops one.
-- A line of many bytes counts as several. Nobody can tell what a stream's lines weigh without reading them, so each time
-- that a part of the half has been written, the newest entry is marked: what stands before as many marks as there are
-- parts is outweighed, whatever else has been dropped meanwhile.
local SLACK = 100  -- entries over the half that are let be: moving many at once costs less than moving each
local PARTS = 16
local LONGEST_NOTE = 2000  -- bytes: a number and a few more marks than there are parts

-- Return what `count` lines that stand in the flat list `list` from position `at` weigh.
local function weight_of(list, at, count)
  local weight = count
  for first = at, at + (count - 1) * ENTRY_WIDTH, ENTRY_WIDTH do
    local bytes = 0
    for i = first, first + ENTRY_WIDTH - 1 do bytes = bytes + #list[i] end
    weight = weight + math.floor(bytes / WEIGHED)
  end
  return weight
end

-- Count lines of this weight; return the id of the newest entry that is outweighed with them, nil when none is.
local function outweighed(half, weight)
  local part = math.max(1, math.floor(half / PARTS))
  local noted = try('GETRANGE', LOG_MARKS, 0, LONGEST_NOTE)
  local since, rest = string.match(type(noted) == 'string' and noted or '', '^(%d+)(.*)$')
  local marks = {}
  for id in string.gmatch(rest or '', ' (%d+%-%d+)') do marks[#marks + 1] = id end
  since = whole(since, 0) + weight
  if since >= part then
    local newest = redis.pcall('XREVRANGE', LOG, '+', '-', 'COUNT', 1)
    if newest.err or not newest[1] then return nil end
    for _ = 1, math.min(math.floor(since / part), PARTS + 1) do marks[#marks + 1] = newest[1][1] end
    since = since % part
  end
  local first = math.max(1, #marks - PARTS)
  try('SET', LOG_MARKS, table.concat({since, unpack(marks, first)}, ' '))
  return #marks > PARTS and marks[first] or nil
end

local function make_room(limit, list, at, count)
  local half, there = math.floor(limit / 2), redis.pcall('XLEN', LOG)
  if type(there) ~= 'number' then return end  -- what is no stream is seen to by the write
  -- What could be copied and not taken away would come again under ids that the second stream has passed.
  if redis.acl_check_cmd and not redis.acl_check_cmd('XTRIM', LOG, 'MAXLEN', '0') then return end
  local weight = weight_of(list, at, count)
  local last = outweighed(half, weight)
  -- Twice what comes in: a log that ends alone had filled shrinks bit by bit, not in one long step.
  local most, over = 2 * weight + SLACK, there + count - half
  local oldest = last and redis.call('XRANGE', LOG, '-', last, 'COUNT', most) or {}
  if over > SLACK and over > #oldest then oldest = redis.call('XRANGE', LOG, '-', '+', 'COUNT', math.min(over, most)) end
  if #oldest == 0 then return end
  for _, entry in ipairs(oldest) do
    local id, fields = entry[1], entry[2]
    -- An end has a status; a line has not.
    if #fields == 2 * ENTRY_WIDTH and fields[2 * STATUS_AT] ~= '' then
      local moved = try('XADD', LOG_ENDS, 'MAXLEN', '~', half, id, unpack(fields))
      if type(moved) == 'table' and moved.err then return end  -- as in a full store: nothing is dropped
    end
  end
  try('XTRIM', LOG, 'MAXLEN', there - #oldest)
end
