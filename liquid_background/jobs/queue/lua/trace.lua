-- include: blank site elsewhere
-- Return the traceback of a failed job as RQ keeps it, the newest; false when there is none, or it is too long.
-- ARGV: id, most bytes.
local key = 'rq:job:' .. ARGV[1]
local status, origin = unpack(read('HMGET', key, 'status', 'origin') or {})
if status ~= 'failed' or is_of_another_site(origin) then return false end
local newest = read('XREVRANGE', 'rq:results:' .. ARGV[1], '+', '-', 'COUNT', 1)
local fields = newest and newest[1] and newest[1][2] or {}
for i = 1, #fields, 2 do
  if fields[i] == 'exc_string' and #fields[i + 1] <= tonumber(ARGV[2]) then return fields[i + 1] end
end
return false
