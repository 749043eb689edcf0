-- Which inside host used this public address and port at that time, over all routers. nat_key is a
-- hash of both, with the address written as routers write it (203.0.113.5, 2001:db8::1).
SELECT router, id, proto, src, sport, dst, dport, started_ms, ended_ms, uplink
FROM (SELECT router, history, id, proto, src, sport, dst, dport, started_ms, ended_ms, uplink
    FROM flows
    PREWHERE nat_key = toUInt32(cityHash64('203.0.113.5', toUInt16(40000)))
    WHERE nat_src = '203.0.113.5' AND nat_sport = 40000
        AND row_hour <= intDiv(1772366400000, 3600000) AND started_ms <= 1772366400000
    ORDER BY row_version DESC LIMIT 1 BY router, history, id)
WHERE ifNull(ended_ms, toInt64(9000000000000)) >= 1772366400000
ORDER BY router, started_ms LIMIT 100;
