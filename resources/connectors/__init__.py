"""The sources the pipeline knows. Adding one is a module beside this one and a line here."""

from __future__ import annotations

from resources.connectors.app_store import AppStoreConnector
from resources.connectors.base import Connector
from resources.connectors.community import CommunityConnector
from resources.connectors.intercom import IntercomConnector
from resources.connectors.social import SocialConnector
from resources.connectors.survey import SurveyConnector
from resources.connectors.zendesk import ZendeskConnector

SOURCES: dict[str, Connector] = {
    "app_store": AppStoreConnector(),
    "zendesk": ZendeskConnector(),
    "intercom": IntercomConnector(),
    "survey": SurveyConnector(),
    "community": CommunityConnector(),
    "social": SocialConnector(),
}
