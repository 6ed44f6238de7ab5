-- Rename a key that holds another type than its name says, or a stream that can take no entry more.
local function set_aside(key, command)
  local kind = redis.call('TYPE', key).ok
  redis.call('RENAME', key, SET_ASIDE .. key)
  redis.call('EXPIRE', SET_ASIDE .. key, KEPT)
  local e = {source_name = 'store', type = 'warning', message = string.sub(key, 1, LONGEST_SHOWN) ..
    ' was a ' .. kind .. ' that ' .. command .. ' cannot use: renamed to ' .. SET_ASIDE .. '... for a week'}
  redis.pcall('XADD', LOG, '*', ENTRY_PAIRS)
end
