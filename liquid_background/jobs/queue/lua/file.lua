-- include: time keep elsewhere cause filing moment
-- File jobs that have failed and are not filed. ARGV: of each its id, what its record said of its end, that time in ms where
-- this cannot be read, its
-- template and line, its cause, its error. One that has moved on meanwhile is left alone. Returns how many were filed.
local filed = 0
for i = 1, #ARGV, 7 do
  local id, ended, ms, template, line, encoded, message = unpack(ARGV, i, i + 6)
  -- fetch: status origin ended_at lb_failure from 'rq:job:' .. id
  if not record.err and status == 'failed' and (ended_at or '') == ended and not is_of_another_site(origin) then
    local cause = cause_in(encoded, template, line, message)
    ms = ms_of(ended) or tonumber(ms)
    local before = tonumber(got('ZSCORE', FAILED_IDS, id) or ms)
    file(id, ms, cause, not lb_failure or before ~= ms)
    filed = filed + 1
  end
end
return filed
