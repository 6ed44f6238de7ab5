-- The microseconds since 1970 of a time as RQ writes it, exactly; nil for anything else.
-- include: moment
local function micros_of(text)
  local minute, second, micro = string.match(text or '', '^(.+:)(%d%d)%.(%d%d%d%d%d%d)Z$')
  local ms = minute and ms_of(minute .. '00.000000Z')
  return ms and ms * 1000 + second * 1000000 + micro
end
