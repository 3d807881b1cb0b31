"""What Redis does at one moment each, in its own language (Lua).

All state is in one key, a hash, so that it is there as a whole or not at all, whatever evicts, deletes or restores
keys:

``era``            drawn when the state was made, missing while it is being made again
``run``            the run of the Redis that made it: another one, be it restarted or a replica that took over, may
                   lack what was written last
``making``         the era to be, while somebody looks up the last number (:data:`BEGIN` to :data:`FINISH`)
``last``           the last number that was handed out
``f <number>``     a flying number: when its time is up, in milliseconds, and the call that took it
``v <number>``     a number that was settled as void
``l <tenth>``      the numbers that were confirmed, or settled as those that have a file, in a tenth of a second
``since``          when the state was made, in milliseconds, where it was not the first one
``forgotten``      the largest void of which that is not known any more

Numbers are without their constant upper bits: Lua has none beyond 2^53. Each script returns ``{""}`` where there is no
such state, or it is that of another run.
"""

from btql_storage.stores.interface import LISTS_LAG_S

_STATE = """
local key = KEYS[1]
local run = string.match(redis.call('INFO', 'server'), 'run_id:(%w+)')
local state = redis.call('HMGET', key, 'era', 'run', 'last', 'forgotten', 'making')
local era, last, forgotten = state[1], tonumber(state[3]), tonumber(state[4] or '0')
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local function text(number) return string.format('%.0f', number) end
local function land(number)
    local tenth = 'l ' .. text(math.floor(now / 100))
    local before = redis.call('HGET', key, tenth)
    if not before then
        for _, field in ipairs(redis.call('HKEYS', key)) do
            if string.sub(field, 1, 2) == 'l ' and (string.sub(field, 3) + 1) * 100 < now - LISTS_LAG_MS then
                redis.call('HDEL', key, field)
            end
        end
    end
    redis.call('HSET', key, tenth, (before and before .. ' ' or '') .. number)
end
""".replace("LISTS_LAG_MS", str(int(LISTS_LAG_S * 1000)))
_NEEDED = f"{_STATE}if not era or state[2] ~= run then return {{''}} end\n"

TAKE = f"""{_NEEDED}
if ARGV[3] == 'again' then
    local all = redis.call('HGETALL', key)
    for place = 1, #all, 2 do
        if string.sub(all[place], 1, 2) == 'f ' and string.match(all[place + 1], ' (.*)') == ARGV[2] then
            return {{era, string.sub(all[place], 3)}}
        end
    end
end
local number = math.max(last + 1, time[1] * 65536)
redis.call('HSET', key, 'last', text(number), 'f ' .. text(number), text(now + ARGV[1]) .. ' ' .. ARGV[2])
return {{era, text(number)}}
"""
"""Lease in milliseconds, the call, whether it is made again -> era, number. An answer that was lost is given again."""

_FATE = """
if redis.call('HEXISTS', key, 'v ' .. ARGV[1]) == 1 then return {era, 'VOID'} end
if tonumber(ARGV[1]) <= forgotten then return {era, 'UNKNOWN'} end
return {era, 'READ'}
"""

CONFIRM = f"""{_NEEDED}
if era ~= ARGV[2] then return {{era, 'UNKNOWN'}} end
if redis.call('HDEL', key, 'f ' .. ARGV[1]) == 1 then
    land(ARGV[1])
    return {{era, 'READ'}}
end
{_FATE}"""
"""Number, era in which it was taken -> era, fate."""

SETTLE = f"""{_NEEDED}
if ARGV[2] ~= '' and era ~= ARGV[2] then return {{era, 'UNKNOWN'}} end
if redis.call('HDEL', key, 'f ' .. ARGV[1]) == 1 then
    if ARGV[3] == 'VOID' then redis.call('HSET', key, 'v ' .. ARGV[1], '1') else land(ARGV[1]) end
end
{_FATE}"""
"""Number, era in which it was taken if by the caller, fate -> era, fate."""

FLYING = f"""{_NEEDED}
local oldest, overdue, landed = '', {{}}, {{}}
local all = redis.call('HGETALL', key)
for place = 1, #all, 2 do
    local kind, number = string.sub(all[place], 1, 2), string.sub(all[place], 3)
    if kind == 'f ' then
        local ends, call = string.match(all[place + 1], '(%d+) (.*)')
        if tonumber(ends) > now + ARGV[1] then
            ends = text(now + ARGV[1])
            redis.call('HSET', key, all[place], ends .. ' ' .. call)
        end
        if tonumber(ends) <= now then
            table.insert(overdue, number)
        elseif oldest == '' or tonumber(number) < tonumber(oldest) then
            oldest = number
        end
    elseif kind == 'l ' then
        table.insert(landed, all[place + 1])
    elseif kind == 'v ' and math.floor(number / 65536) < time[1] - ARGV[2] then
        redis.call('HDEL', key, all[place])
        forgotten = math.max(forgotten, tonumber(number))
        redis.call('HSET', key, 'forgotten', text(forgotten))
    end
end
local since = redis.call('HGET', key, 'since')
local unsure = 0
if since and now >= tonumber(since) then unsure = math.max(since + ARGV[3] - now, 0) end
return {{era, text(last), oldest, overdue, landed, text(unsure)}}
"""
"""Lease in milliseconds, seconds for which voids are remembered, milliseconds for which a new state is unsure -> era,
last, oldest, list of overdue ones, lists of those that have landed, for how long it is still unsure"""

SEEN = f"""{_NEEDED}
if tonumber(ARGV[1]) > last then redis.call('HSET', key, 'last', ARGV[1]) end
return {{era}}
"""
"""Number -> era."""

BEGIN = f"""{_STATE}
if state[2] ~= run or not (era or state[5]) then
    redis.call('DEL', key)
    redis.call('HSET', key, 'run', run, 'making', ARGV[1])
    return {{ARGV[1]}}
end
if era then return {{''}} end
return {{state[5]}}
"""
"""New era -> the era that is being made, perhaps by others, for which everyone may look up the last number; or nothing
where the state is whole by now."""

FINISH = f"""{_STATE}
if state[2] == run and state[5] == ARGV[1] then
    redis.call('HDEL', key, 'making')
    local first = math.max(tonumber(ARGV[2]), (time[1] + 1) * 65536 + math.floor(time[2] / 32))
    redis.call('HSET', key, 'era', ARGV[1], 'last', text(first))
    if ARGV[2] ~= '0' then redis.call('HSET', key, 'since', text(now)) end
end
return {{ARGV[1]}}
"""
"""Era, the last number that is known -> era.

The second is left out of which numbers may be on their way; where the state is made again within it, it begins later.
"""
