-- Make room in the log for `count` lines of a template: they must not push out how attempts ended. The stream is brought
-- down to half of the limit, from its oldest entry on; the ends of attempts among these move to the log's second stream
-- under their ids, which are all older than those that stay. So the newest half of the limit in ends is always kept: as
-- many ends as that must be written before the stream itself drops one.
local SLACK = 100  -- entries over the half that are let be: moving many at once costs less than moving each

local function make_room(limit, count)
  local half, there = math.floor(limit / 2), redis.pcall('XLEN', LOG)
  if type(there) ~= 'number' or there + count <= half + SLACK then return end  -- what is no stream is seen to by the write
  -- What could be copied and not taken away would come again under ids that the second stream has passed.
  if redis.acl_check_cmd and not redis.acl_check_cmd('XTRIM', LOG, 'MAXLEN', '0') then return end
  -- Twice what comes in: a log that ends alone had filled shrinks bit by bit, not in one long step.
  local oldest = redis.call('XRANGE', LOG, '-', '+', 'COUNT', math.min(there + count - half, 2 * count + SLACK))
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
