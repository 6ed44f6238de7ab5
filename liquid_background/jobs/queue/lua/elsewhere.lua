-- Which site a record is of, by the queue that it names (liquid_background.jobs.site says the same).

-- The queue of this site that a record names; nil when it names none of them.
local function own_queue(origin)
  local queue = queue_of(origin)
  return (queue ~= 'default' or origin == DEFAULT_QUEUE) and queue or nil
end

-- Whether a record is another site's: no move of this one changes it.
local function is_of_another_site(origin)
  if not origin or own_queue(origin) then return false end
  local name = string.match(origin, '^[%w_-]+%.(%l+)$') or origin
  return name == 'high' or name == 'default' or name == 'low'
end
