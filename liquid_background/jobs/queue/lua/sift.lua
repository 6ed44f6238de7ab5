-- include: time keep unfile
-- Take ids out of an index of failed jobs that are not filed there. ARGV: name, group or of; which; a cursor; how many.
-- Returns the next cursor, '' after the last, and how many were taken out; of those without a name's index, which were.
local kind, which, cursor, most = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local removed = 0

if kind == 'of' then
  local next, pairs = unpack(on('HSCAN', FAILED_OF, cursor, 'COUNT', most))
  for i = 1, #pairs, 2 do
    if not got('ZSCORE', FAILED_IDS, pairs[i]) then
      unfile(pairs[i])
      removed = removed + 1
    end
  end
  return {next == '0' and '' or next, removed}
end
if which == '' and kind == 'name' then
  -- Those without an index of their names: all go, to be filed again, for by now there may be room.
  local ids = on('ZRANGE', FAILED_UNNAMED, 0, tonumber(most) - 1)
  for _, id in ipairs(ids) do unfile(id) end
  return {#ids < tonumber(most) and '' or '0', ids}
end
local key = (kind == 'name' and FAILED_NAME or FAILED_GROUP) .. which
local next, ids = unpack(on('ZSCAN', key, cursor, 'COUNT', most))
for i = 1, #ids, 2 do
  local failure, at = string.match(tostring(got('HGET', FAILED_OF, ids[i]) or ''), '^(%x+) (.*)$')
  if (kind == 'name' and at or failure) ~= which then
    on('ZREM', key, ids[i])
    removed = removed + 1
  end
end
if kind == 'name' and got('EXISTS', key) == 0 then try('SREM', FAILED_NAMES, which) end
return {next == '0' and '' or next, removed}
