"""Keys of database, file, mail, log, plugin and the smaller sections."""

from __future__ import annotations

from .config_key import Key, section

DEFAULT_DATA_SOURCE = (
    "postgres://mmuser:mostest@localhost/mattermost_test?sslmode=disable&connect_timeout=10&binary_parameters=yes"
)

SQL = section(
    DriverName="postgres",
    DataSource=DEFAULT_DATA_SOURCE,
    DataSourceReplicas=[],
    DataSourceSearchReplicas=[],
    MaxIdleConns=50,
    ConnMaxLifetimeMilliseconds=3600000,
    ConnMaxIdleTimeMilliseconds=300000,
    MaxOpenConns=100,
    Trace=False,
    AtRestEncryptKey="",
    QueryTimeout=30,
    DisableDatabaseSearch=False,
    MigrationsStatementTimeoutSeconds=100000,
    ReplicaLagSettings=[],
    ReplicaMonitorIntervalSeconds=5,
)
# Before 11.0 the pool was larger.
SQL_BEFORE_11 = {"MaxIdleConns": 20, "MaxOpenConns": 300}

LOG = section(
    EnableConsole=True,
    ConsoleLevel=Key("INFO", update="DEBUG"),
    ConsoleJson=True,
    EnableColor=False,
    EnableFile=True,
    FileLevel="INFO",
    FileJson=True,
    FileLocation="",
    EnableWebhookDebugging=True,
    EnableDiagnostics=True,
    VerboseDiagnostics=Key(False, until=(11, 0)),
    EnableSentry=True,
    AdvancedLoggingJSON={},
    MaxFieldSize=2048,
)

AUDIT = section(
    FileEnabled=False,
    FileName="",
    FileMaxSizeMB=Key(100, until=(11, 6)),
    FileMaxAgeDays=Key(0, until=(11, 6)),
    FileMaxBackups=Key(0, until=(11, 6)),
    FileCompress=Key(False, until=(11, 6)),
    FileMaxQueueSize=Key(1000, until=(11, 6)),
    AdvancedLoggingJSON={},
    Certificate=Key("", since=(10, 10)),
)

NOTIFICATION_LOG = section(
    EnableConsole=Key(True, until=(11, 0)),
    ConsoleLevel=Key("DEBUG", until=(11, 0)),
    ConsoleJson=Key(True, until=(11, 0)),
    EnableColor=Key(False, until=(11, 0)),
    EnableFile=Key(True, until=(11, 0)),
    FileLevel=Key("INFO", until=(11, 0)),
    FileJson=Key(True, until=(11, 0)),
    FileLocation=Key("", until=(11, 0)),
    AdvancedLoggingJSON=Key({}, until=(11, 0)),
)

PASSWORD = section(MinimumLength=8, Lowercase=False, Number=False, Uppercase=False, Symbol=False, EnableForgotLink=True)


def _s3(prefix: str, part_size: int, **more: int) -> dict:
    keys = {
        "AccessKeyId": "",
        "SecretAccessKey": "",
        "Bucket": "",
        "PathPrefix": "",
        "Region": "",
        "Endpoint": "s3.amazonaws.com",
        "SSL": True,
        "SignV2": False,
        "SSE": False,
        "Trace": False,
        "RequestTimeoutMilliseconds": 30000,
        **more,
        "UploadPartSizeBytes": part_size,
    }
    return {f"{prefix}AmazonS3{name}": value for name, value in keys.items()}


FILE = section(
    EnableFileAttachments=True,
    EnableMobileUpload=True,
    EnableMobileDownload=True,
    MaxFileSize=104857600,
    MaxImageResolution=33177600,
    MaxImageDecoderConcurrency=-1,
    DriverName="local",
    Directory="./data/",
    EnablePublicLink=False,
    ExtractContent=True,
    ArchiveRecursion=False,
    PublicLinkSalt="",
    InitialFont="nunito-bold.ttf",
    **_s3("", 5242880),
    DedicatedExportStore=False,
    ExportDriverName="local",
    ExportDirectory="./data/",
    **_s3("Export", 104857600, PresignExpiresSeconds=21600),
)

EMAIL = section(
    EnableSignUpWithEmail=True,
    EnableSignInWithEmail=True,
    EnableSignInWithUsername=True,
    SendEmailNotifications=Key(False, update=True),
    UseChannelInEmailNotifications=False,
    RequireEmailVerification=False,
    FeedbackName="",
    FeedbackEmail=Key("", update="test@example.com"),
    ReplyToAddress=Key("", update="test@example.com"),
    FeedbackOrganization="",
    EnableSMTPAuth=False,
    SMTPUsername="",
    SMTPPassword="",
    SMTPServer=Key("", update="localhost"),
    SMTPPort=Key("", update="10025"),
    SMTPServerTimeout=10,
    ConnectionSecurity="",
    SendPushNotifications=Key(True, update=False),
    PushNotificationServer=Key("https://push-test.mattermost.com", update=""),
    PushNotificationContents="full",
    PushNotificationBuffer=1000,
    EnableEmailBatching=False,
    EmailBatchingBufferSize=256,
    EmailBatchingInterval=30,
    EnablePreviewModeBanner=True,
    SkipServerCertificateVerification=False,
    EmailNotificationContentsType="full",
    LoginButtonColor="#0000",
    LoginButtonBorderColor="#2389D7",
    LoginButtonTextColor="#2389D7",
)

RATE_LIMIT = section(
    Enable=False,
    PerSec=10,
    MaxBurst=100,
    MemoryStoreSize=10000,
    VaryByRemoteAddr=True,
    VaryByUser=False,
    VaryByHeader="",
)
PRIVACY = section(ShowEmailAddress=True, ShowFullName=True)
SUPPORT = section(
    TermsOfServiceLink="https://mattermost.com/pl/terms-of-use/",
    PrivacyPolicyLink="https://mattermost.com/pl/privacy-policy/",
    AboutLink="https://mattermost.com/pl/about-mattermost",
    HelpLink="https://mattermost.com/pl/help/",
    ReportAProblemLink="https://mattermost.com/pl/report-a-bug",
    ReportAProblemType=Key("default", since=(10, 8)),
    ReportAProblemMail=Key("", since=(10, 8)),
    AllowDownloadLogs=Key(True, since=(10, 8)),
    ForgotPasswordLink="",
    SupportEmail="",
    CustomTermsOfServiceEnabled=False,
    CustomTermsOfServiceReAcceptancePeriod=365,
    EnableAskCommunityLink=True,
)
ANNOUNCEMENT = section(
    EnableBanner=False,
    BannerText="",
    BannerColor="#f2a93b",
    BannerTextColor="#333333",
    AllowBannerDismissal=True,
    AdminNoticesEnabled=True,
    UserNoticesEnabled=True,
    NoticesURL="https://notices.mattermost.com/",
    NoticesFetchFrequency=3600,
    NoticesSkipCache=False,
)
THEME = section(EnableThemeSelection=True, DefaultTheme="default", AllowCustomThemes=True, AllowedThemes=[])
LOCALIZATION = section(
    DefaultServerLocale="en",
    DefaultClientLocale="en",
    AvailableLocales="",
    EnableExperimentalLocales=Key(False, since=(10, 6)),
)
PLUGIN = section(
    Enable=True,
    EnableUploads=False,
    AllowInsecureDownloadURL=False,
    EnableHealthCheck=True,
    Directory="./plugins",
    ClientDirectory="./client/plugins",
    Plugins={},
    PluginStates={},
    EnableMarketplace=True,
    EnableRemoteMarketplace=True,
    AutomaticPrepackagedPlugins=True,
    RequirePluginSignature=False,
    MarketplaceURL="https://api.integrations.mattermost.com",
    SignaturePublicKeyFiles=[],
    ChimeraOAuthProxyURL="",
)
IMAGE_PROXY = section(
    Enable=False,
    ImageProxyType="local",
    RemoteImageProxyURL=Key("", until=(12, 0)),
    RemoteImageProxyOptions=Key("", until=(12, 0)),
)
