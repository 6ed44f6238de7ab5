-- Raise before the first write when this user may not run what a move is made of: half of one would strand its jobs.
-- Servers before 7 cannot be asked. A question takes as long as a command, so each is no longer than it has to be.
local function check_rights()
  local may = redis.acl_check_cmd
  local job, queue = 'rq:job:', QUEUE
  if not may or (may('hset', job) and may('hdel', job) and may('persist', job) and may('expire', job) and may('zadd', queue) and
    may('zrem', queue) and may('lpush', queue) and may('rpush', queue) and may('lpop', queue) and may('sadd', queue) and
    may('srem', queue)) then return end
  for _, command in ipairs({'hset', 'hdel', 'persist', 'expire', 'zadd', 'zrem', 'lpush', 'rpush', 'lpop', 'sadd', 'srem'}) do
    if not may(command, job) or not may(command, queue) then error({err = 'NOPERM this user may not run ' .. command}) end
  end
end
