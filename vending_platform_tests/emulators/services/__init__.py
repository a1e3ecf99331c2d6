"""Services of the world outside, over real HTTP on this machine: one server, a module for each service."""

from vending_platform_tests.emulators.services.holidays import HolidayService
from vending_platform_tests.emulators.services.server import Fault, Reply, Request, Service, Services, serving_services
from vending_platform_tests.emulators.services.weather import WeatherService

__all__ = [
    "Fault",
    "HolidayService",
    "Reply",
    "Request",
    "Service",
    "Services",
    "WeatherService",
    "serving_services",
]
