-- Which versions and configurations run, on how many routers that reported in the last day.
SELECT version_now, config_now, count() AS routers
FROM (SELECT router, argMax(toString(program), time_ms) AS version_now,
        argMax(toString(config), time_ms) AS config_now
    FROM heartbeat
    WHERE row_hour >= intDiv(toUnixTimestamp(now()) - 86400, 3600) GROUP BY router)
GROUP BY version_now, config_now ORDER BY routers DESC, version_now LIMIT 100;
