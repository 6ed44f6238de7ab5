-- include: time keep count
-- Add what a worker's processes have counted. ARGV: a source name and a cell of JSON for each.
for i = 1, #ARGV, 2 do
  local read, cell = pcall(cjson.decode, ARGV[i + 1])
  if read then count(ARGV[i], cell) end
end
return problem or ''
