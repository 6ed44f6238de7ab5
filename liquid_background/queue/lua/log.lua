-- The job log. The same fields in the same order always: the stream then stores their names once a block.
local function write_entry(run, limit, e)
  run('XADD', 'liquid_background:log', 'MAXLEN', '~', limit, '*',
    'job_id', e[1], 'source_name', e[2], 'template', e[3], 'line', e[4], 'attempt', e[5], 'max_attempts', e[6],
    'status', e[7], 'duration', e[8], 'message', e[9], 'type', e[10], 'final', e[11])
end

local function log(limit, e)
  write_entry(try, limit, e)
end

-- Write `count` lines of a template that stand in the flat list `list` from position `at`.
local function log_lines(limit, list, at, count)
  -- include: room
  make_room(tonumber(limit), count)
  for _ = 1, count do
    log(limit, {unpack(list, at, at + ENTRY_WIDTH - 1)})
    at = at + ENTRY_WIDTH
  end
end
