-- Whether a word is one of a list.
local function is_among(words, word)
  for _, each in ipairs(words) do
    if each == word then return true end
  end
  return false
end
