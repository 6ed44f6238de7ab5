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
