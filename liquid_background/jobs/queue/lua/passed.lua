-- Keep what passed a proof, of ARGV from `first` on: an id, and the end of the run that was proven. One that has moved on
-- meanwhile is left out, and one that moves on later is met by no operation: the end of its run is another one then.
-- include: micros among
local function keep_passed(proof, first)
  for i = first, #ARGV, 2 do
    local job, ended = 'rq:job:' .. ARGV[i], micros_of(ARGV[i + 1])
    -- fetch: status ended_at from job
    if ended and not record.err and is_among(RETRIABLE, status) and ended_at == ARGV[i + 1] then
      on('ZADD', PROVED .. proof, string.format('%d', ended), ARGV[i])
    end
  end
  redis.call('EXPIRE', PROVED .. proof, PROOF_KEPT)
end
