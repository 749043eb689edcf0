-- Which inside host used this public address and port at that time, over all routers.
SELECT router, id, proto, src, sport, dst, dport, started_ms, ended_ms, uplink
FROM flows FINAL
WHERE nat_src = '203.0.113.5' AND nat_sport = 40000
    AND started_ms <= 1772366400000 AND ifNull(ended_ms, toInt64(9000000000000)) >= 1772366400000
ORDER BY router, started_ms LIMIT 100;
