-- Return the first of the numbers from `low` on of which `is_behind` holds, and `high` when none below it does.
local function first(low, high, is_behind)
  while low < high do
    local middle = math.floor((low + high) / 2)
    if is_behind(middle) then high = middle else low = middle + 1 end
  end
  return low
end

-- Compare two texts by their bytes, as sorted sets do; Lua's own way depends on the server's language.
local function compared(one, other)
  for i = 1, math.min(#one, #other) do
    local difference = string.byte(one, i) - string.byte(other, i)
    if difference ~= 0 then return difference end
  end
  return #one - #other
end
