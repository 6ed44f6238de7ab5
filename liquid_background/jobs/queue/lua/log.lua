-- The last entries of jobs that fail here, for a caller that tells of them; nil where none does.
local failures

-- The job log. The same fields in the same order always: the stream then stores their names once a block.
local function write_entry(run, limit, e)
  run('XADD', LOG, 'MAXLEN', '~', limit, '*', ENTRY_PAIRS)
end

local function log(limit, e)
  if failures and e.final == 1 and e.status ~= 'CANCELLED' then failures[#failures + 1] = {ENTRY_PAIRS} end
  write_entry(try, limit, e)
  if e.status == 'REFUSED' then try('HINCRBY', COUNTS .. 'moves', 'refused', 1) end
end

-- Write `count` lines of a template that stand in the flat list `list` from position `at`.
local function log_lines(limit, list, at, count)
  -- include: room
  make_room(tonumber(limit), list, at, count)
  for _ = 1, count do
    -- name: ENTRY from list at at as entry
    log(limit, entry)
    at = at + ENTRY_WIDTH
  end
end
